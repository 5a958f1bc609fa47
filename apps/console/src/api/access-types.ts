export interface HttpAuditRecord {
  time: string;
  user: string;
  action: string;
  target?: string;
  outcome: string;
  address?: string;
  detail?: string;
}

export interface HttpAuditPage {
  records: HttpAuditRecord[];
  nextPageToken?: string;
}
